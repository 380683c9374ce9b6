with fits as (
    select * from {{ ref('reported_fits') }}
),

parameters as (
    select * from {{ ref('stg_parameters') }}
),

published as (
    select names.dataset, printed.* exclude (dataset)
    from {{ ref('barnett2024_datasets') }} as names
    inner join {{ ref('barnett2024_table3') }} as printed on names.published = printed.dataset
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
        published.lower as published_lower,
        published.upper as published_upper,
        fits.status as fit_status,
        fits.stale
    from fits
    inner join parameters using (fit_id)
    left join positions using (study, dataset)
    left join published
        on fits.dataset = published.dataset
        and parameters.parameter = published.parameter
        and parameters.interval_method = 'percentile'
)

select * from final
