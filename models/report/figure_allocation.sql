with fits as (
    select * from {{ ref('reported_fits') }}
),

gaps as (
    select distinct fit_id, estimate as fitted_gap, status as fitted_gap_status
    from {{ ref('stg_parameters') }}
    where parameter = 'G'
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
        gaps.fitted_gap,
        gaps.fitted_gap_status,
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
    left join gaps using (fit_id)
)

select * from final
