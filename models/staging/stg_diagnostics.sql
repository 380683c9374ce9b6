with diagnostics as (
    select * from {{ source('analysis', 'diagnostics') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        diagnostics.fit_id,
        diagnostics.diagnostic,
        diagnostics.statistic,
        diagnostics.p_value
    from diagnostics
    semi join fits using (fit_id)
)

select * from final
