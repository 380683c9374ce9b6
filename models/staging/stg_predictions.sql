with predictions as (
    select * from {{ source('analysis', 'predictions') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        predictions.fit_id,
        predictions.pretrain_steps,
        predictions.data_points,
        predictions.loss,
        predictions.lower,
        predictions.upper
    from predictions
    semi join fits using (fit_id)
)

select * from final
