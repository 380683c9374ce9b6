with fits as (
    select * from {{ ref('stg_fits') }}
),

parameters as (
    select * from {{ ref('stg_parameters') }}
),

published as (
    select * from {{ ref('hernandez2021_transfer') }}
    where pretrained_on = 'text'
),

positions as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
),

latest as (
    select *
    from fits
    where law = 'effective-data'
    qualify row_number() over (partition by study, dataset, method order by made_at desc, fit_id) = 1
),

final as (
    select
        latest.study,
        positions.position,
        latest.dataset,
        latest.model as models,
        latest.method,
        latest.n,
        (latest.credentials ->> '$.clusters')::bigint as checkpoints,
        (latest.credentials ->> '$.r_squared')::double as r_squared,
        (latest.credentials ->> '$.steps_of_k')::bigint as steps_of_k,
        parameters.parameter,
        parameters.estimate,
        parameters.standard_error,
        parameters.lower,
        parameters.upper,
        published.estimate as published_estimate
    from latest
    inner join parameters using (fit_id)
    left join positions using (study, dataset)
    left join published on parameters.parameter = published.parameter
)

select * from final
