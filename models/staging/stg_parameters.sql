with parameters as (
    select * from {{ source('analysis', 'parameters') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        parameters.fit_id,
        parameters.parameter,
        parameters.estimate,
        parameters.standard_error,
        parameters.lower,
        parameters.upper,
        parameters.interval_method,
        parameters.status,
        parameters.bound
    from parameters
    semi join fits using (fit_id)
)

select * from final
