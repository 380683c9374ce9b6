with bootstrap as (
    select * from {{ source('analysis', 'bootstrap') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        bootstrap.fit_id,
        bootstrap.replicate,
        bootstrap.parameter,
        bootstrap.value
    from bootstrap
    semi join fits using (fit_id)
)

select * from final
