with allocations as (
    select * from {{ source('analysis', 'allocations') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        allocations.fit_id,
        allocations.question,
        allocations.cost_step,
        allocations.cost_point,
        allocations.budget,
        allocations.target_loss,
        allocations.gap,
        allocations.pretrain_steps,
        allocations.data_points,
        allocations.share,
        allocations.share_lower,
        allocations.share_upper,
        allocations.loss,
        allocations.loss_lower,
        allocations.loss_upper,
        allocations.cost,
        allocations.cost_lower,
        allocations.cost_upper,
        allocations.reached,
        allocations.extrapolated,
        allocations.made_at
    from allocations
    semi join fits using (fit_id)
)

select * from final
