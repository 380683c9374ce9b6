with fits as (
    select * from {{ ref('reported_fits') }}
),

conditions as (
    select * from {{ ref('stg_conditions') }}
),

positions as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
),

stated (condition_position, condition) as (
    values (1, 'f to infinity'), (2, 'p to infinity'), (3, 'p at zero'), (4, 'f at zero')
),

final as (
    select
        fits.study,
        positions.position,
        fits.dataset,
        fits.model,
        fits.method,
        stated.condition_position,
        stated.condition,
        conditions.quantity,
        conditions.estimate,
        conditions.lower,
        conditions.upper,
        conditions.n,
        conditions.lower <= 0 and conditions.upper >= 0 as compatible,
        fits.stale
    from fits
    cross join stated
    left join conditions using (fit_id, condition)
    left join positions using (study, dataset)
)

select * from final
