with fits as (
    select * from {{ ref('reported_fits') }}
),

profiles as (
    select * from {{ ref('stg_profiles') }}
),

intervals as (
    select * from {{ ref('stg_parameters') }}
    where interval_method = 'profile'
),

-- Up to three times the threshold, and the next value on either side, to which a line can be drawn.
near as (
    select *
    from profiles
    window by_value as (partition by fit_id, parameter order by value)
    qualify least(
        deviance,
        coalesce(lag(deviance) over by_value, deviance),
        coalesce(lead(deviance) over by_value, deviance)
    ) <= 3 * cut
),

final as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        near.parameter,
        near.value,
        near.deviance,
        near.cut,
        intervals.estimate,
        intervals.lower,
        intervals.upper,
        intervals.status,
        fits.stale
    from fits
    inner join near using (fit_id)
    inner join intervals using (fit_id, parameter)
)

select * from final
