with residuals as (
    select * from {{ ref('figure_residuals') }}
),

fits as (
    select * from {{ ref('reported_fits') }}
),

diagnostics as (
    select * from {{ ref('stg_diagnostics') }}
),

positions as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
),

described as (
    select
        fit_id,
        max(statistic) filter (where diagnostic = 'heteroscedasticity') as heteroscedasticity,
        max(p_value) filter (where diagnostic = 'heteroscedasticity') as heteroscedasticity_p,
        max(statistic) filter (where diagnostic = 'normality') as normality,
        max(p_value) filter (where diagnostic = 'normality') as normality_p,
        max(statistic) filter (where diagnostic = 'skewness') as skewness,
        max(statistic) filter (where diagnostic = 'kurtosis') as kurtosis,
        max(statistic) filter (where diagnostic = 'clustering by p') as clustering_by_steps,
        max(p_value) filter (where diagnostic = 'clustering by p') as clustering_by_steps_p,
        max(statistic) filter (where diagnostic = 'clustering by f') as clustering_by_points,
        max(p_value) filter (where diagnostic = 'clustering by f') as clustering_by_points_p
    from diagnostics
    group by fit_id
),

left_over as (
    select
        study,
        dataset,
        model,
        method,
        count(*) as n,
        avg(abs(residual) order by pretrain_steps, data_points) as mean_residual,
        avg(abs(deleted_residual) order by pretrain_steps, data_points) as mean_deleted_residual,
        max(influence) as greatest_influence,
        max(pretrain_steps) filter (where most_influential) as most_influential_steps,
        max(data_points) filter (where most_influential) as most_influential_points
    from residuals
    group by study, dataset, model, method
),

final as (
    select
        left_over.study,
        positions.position,
        left_over.dataset,
        left_over.model,
        left_over.method,
        left_over.n,
        left_over.mean_residual,
        left_over.mean_deleted_residual,
        described.* exclude (fit_id),
        left_over.greatest_influence,
        left_over.most_influential_steps,
        left_over.most_influential_points,
        fits.stale
    from left_over
    inner join fits using (study, dataset, model, method)
    left join described using (fit_id)
    left join positions using (study, dataset)
)

select * from final
