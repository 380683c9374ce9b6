with fits as (
    select * from {{ ref('reported_fits') }}
),

residuals as (
    select * from {{ ref('stg_residuals') }}
),

final as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        residuals.pretrain_steps,
        residuals.data_points,
        residuals.loss,
        residuals.fitted,
        residuals.residual,
        residuals.normal_quantile,
        residuals.deleted_residual,
        residuals.influence,
        avg(residuals.residual) over (
            partition by fits.fit_id, residuals.pretrain_steps order by residuals.data_points
            rows between unbounded preceding and unbounded following
        ) as mean_at_steps,
        avg(residuals.residual) over (
            partition by fits.fit_id, residuals.data_points order by residuals.pretrain_steps
            rows between unbounded preceding and unbounded following
        ) as mean_at_points,
        coalesce(
            row_number() over (
                partition by fits.fit_id
                order by residuals.influence desc nulls last, residuals.pretrain_steps, residuals.data_points
            ) = 1
            and residuals.influence is not null,
            false
        ) as most_influential,
        fits.stale
    from fits
    inner join residuals using (fit_id)
)

select * from final
