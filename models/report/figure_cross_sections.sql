with experiments as (
    select * from {{ ref('experiments') }}
),

fits as (
    select * from {{ ref('reported_fits') }}
),

predictions as (
    select * from {{ ref('stg_predictions') }}
),

sizes as (
    select distinct study, dataset, model, method, data_points
    from experiments
),

measured as (
    select
        study,
        dataset,
        model,
        method,
        data_points,
        pretrain_steps::double as pretrain_steps,
        loss,
        loss_sd,
        in_fit
    from experiments
),

fitted as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        sizes.data_points,
        predictions.pretrain_steps,
        predictions.loss as fitted,
        predictions.lower,
        predictions.upper,
        fits.stale
    from fits
    inner join predictions using (fit_id)
    inner join sizes
        on fits.study = sizes.study
        and fits.dataset = sizes.dataset
        and fits.model = sizes.model
        and fits.method = sizes.method
        and predictions.data_points = sizes.data_points
),

final as (
    select
        study,
        dataset,
        model,
        method,
        data_points,
        pretrain_steps,
        measured.loss,
        measured.loss_sd,
        coalesce(measured.in_fit, false) as in_fit,
        fitted.fitted,
        fitted.lower,
        fitted.upper,
        coalesce(fitted.stale, false) as stale
    from measured
    full outer join fitted using (study, dataset, model, method, data_points, pretrain_steps)
)

select * from final
