with fits as (
    select * from {{ ref('reported_fits') }}
),

experiments as (
    select * from {{ ref('experiments') }}
    where in_fit
),

parameters as (
    select distinct fit_id, parameter, estimate, status
    from {{ ref('stg_parameters') }}
),

bootstrap as (
    select * from {{ ref('stg_bootstrap') }}
),

sizes as (
    select study, dataset, model, method, max(n_params_non_embedding) as n_params, max(data_points) as data_points
    from experiments
    group by study, dataset, model, method
),

-- The gap's share of the loss is compared at the most data that every model was fitted to.
compared as (
    select
        fits.fit_id,
        sizes.study,
        sizes.dataset,
        sizes.model,
        sizes.method,
        sizes.n_params,
        min(sizes.data_points) over of_dataset as data_points,
        fits.stale
    from sizes
    inner join fits using (study, dataset, model, method)
    window of_dataset as (partition by sizes.study, sizes.dataset, sizes.method)
    qualify min(sizes.n_params) over of_dataset < max(sizes.n_params) over of_dataset
),

-- Replicate -1 is the estimate itself.
laws as (
    select
        fit_id,
        replicate,
        max(value) filter (where parameter = 'G') as g,
        max(value) filter (where parameter = 'beta') as beta
    from (
        select fit_id, replicate, parameter, value from bootstrap
        union all
        select fit_id, -1 as replicate, parameter, estimate as value from parameters
    ) as every_law
    semi join compared using (fit_id)
    group by fit_id, replicate
),

gaps as (
    select compared.*, laws.replicate, 'gap' as quantity, laws.g as value
    from compared inner join laws using (fit_id)
    union all
    select
        compared.*, laws.replicate, 'gap at the most data' as quantity,
        laws.g * pow(compared.data_points, -laws.beta) as value
    from compared inner join laws using (fit_id)
),

-- Fits of different models are independent, and so are their replicates, whatever their numbers.
slopes as (
    select study, dataset, method, quantity, replicate, regr_slope(value, log10(n_params) order by model) as slope
    from gaps
    group by study, dataset, method, quantity, replicate
),

of_dataset as (
    select
        study,
        dataset,
        method,
        quantity,
        max(slope) filter (where replicate = -1) as slope,
        quantile_cont(slope, 0.025) filter (where replicate >= 0) as slope_lower,
        quantile_cont(slope, 0.975) filter (where replicate >= 0) as slope_upper
    from slopes
    group by study, dataset, method, quantity
),

of_model as (
    select
        fit_id,
        quantity,
        max(value) filter (where replicate = -1) as estimate,
        quantile_cont(value, 0.025) filter (where replicate >= 0) as lower,
        quantile_cont(value, 0.975) filter (where replicate >= 0) as upper
    from gaps
    group by fit_id, quantity
),

final as (
    select
        compared.study,
        compared.dataset,
        compared.model,
        compared.method,
        compared.n_params,
        compared.data_points,
        quantity,
        of_model.estimate,
        of_model.lower,
        of_model.upper,
        of_dataset.slope,
        of_dataset.slope_lower,
        of_dataset.slope_upper,
        parameters.status,
        compared.stale
    from compared
    inner join of_model using (fit_id)
    inner join of_dataset using (study, dataset, method, quantity)
    inner join parameters on compared.fit_id = parameters.fit_id and parameters.parameter = 'G'
)

select * from final
