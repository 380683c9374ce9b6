with fits as (
    select * from {{ ref('reported_fits') }}
),

predictions as (
    select * from {{ ref('stg_predictions') }}
),

final as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        predictions.pretrain_steps,
        predictions.data_points,
        predictions.loss,
        predictions.lower,
        predictions.upper,
        fits.stale
    from fits
    inner join predictions using (fit_id)
)

select * from final
