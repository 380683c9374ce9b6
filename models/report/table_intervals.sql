with fits as (
    select * from {{ ref('reported_fits') }}
),

parameters as (
    select * from {{ ref('stg_parameters') }}
),

positions as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
),

final as (
    select
        fits.study,
        positions.position,
        fits.dataset,
        fits.model,
        fits.method,
        fits.fit_id,
        fits.n,
        parameters.parameter,
        parameters.interval_method,
        parameters.estimate,
        parameters.standard_error,
        parameters.lower,
        parameters.upper,
        parameters.status,
        parameters.bound,
        fits.status as fit_status,
        fits.stale
    from fits
    inner join parameters using (fit_id)
    left join positions using (study, dataset)
)

select * from final
