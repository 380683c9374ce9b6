with conditions as (
    select * from {{ source('analysis', 'conditions') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        conditions.fit_id,
        conditions.condition,
        conditions.quantity,
        conditions.estimate,
        conditions.lower,
        conditions.upper,
        conditions.n
    from conditions
    semi join fits using (fit_id)
)

select * from final
