with fits as (
    select * from {{ ref('reported_fits') }}
),

allocations as (
    select * from {{ ref('stg_allocations') }}
),

final as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        allocations.question,
        allocations.cost_step,
        allocations.cost_point,
        allocations.cost_point / allocations.cost_step as cost_ratio,
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
        fits.stale
    from fits
    inner join allocations using (fit_id)
)

select * from final
