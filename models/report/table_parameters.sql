with fits as (
    select * from {{ ref('reported_fits') }}
),

parameters as (
    select * from {{ ref('stg_parameters') }}
),

published as (
    select names.dataset, printed.* exclude (dataset)
    from {{ ref('barnett2024_datasets') }} as names
    inner join {{ ref('barnett2024_table2') }} as printed on names.published = printed.dataset
),

variation as (
    select
        study,
        model,
        method,
        quantity as parameter,
        estimate as variation,
        standard_error as variation_error,
        published as published_variation
    from {{ ref('parameter_variation') }}
),

positions as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
),

-- An estimate is the same whichever way its interval was made.
estimates as (
    select *
    from parameters
    qualify row_number() over (partition by fit_id, parameter order by interval_method) = 1
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
        estimates.parameter,
        estimates.estimate,
        estimates.standard_error,
        estimates.status,
        estimates.bound,
        fits.status as fit_status,
        fits.objective,
        fits.mean_absolute_error,
        fits.mean_relative_error,
        fits.delta,
        fits.starts,
        fits.replicates,
        fits.resample,
        published.estimate as published_estimate,
        published.standard_error as published_standard_error,
        variation.variation,
        variation.variation_error,
        variation.published_variation,
        fits.stale
    from fits
    inner join estimates using (fit_id)
    left join positions using (study, dataset)
    left join variation
        on fits.study = variation.study
        and fits.model = variation.model
        and fits.method = variation.method
        and estimates.parameter = variation.parameter
    left join published on fits.dataset = published.dataset and estimates.parameter = published.parameter
)

select * from final
