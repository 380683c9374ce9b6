with experiments as (
    select * from {{ ref('experiments') }}
    where in_fit
),

fits as (
    select * from {{ ref('reported_fits') }}
),

predictions as (
    select * from {{ ref('stg_predictions') }}
),

-- The prediction grid has the study's own steps and sizes among its own.
fitted as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        fits.stale,
        predictions.pretrain_steps,
        predictions.data_points,
        predictions.loss as fitted
    from fits
    inner join predictions using (fit_id)
),

final as (
    select
        fitted.study,
        fitted.dataset,
        fitted.model,
        fitted.method,
        fitted.pretrain_steps,
        fitted.data_points,
        fitted.fitted,
        experiments.loss,
        fitted.stale
    from fitted
    left join experiments using (study, dataset, model, method, pretrain_steps, data_points)
)

select * from final
