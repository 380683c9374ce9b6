with fits as (
    select * from {{ ref('reported_fits') }}
),

experiments as (
    select * from {{ ref('experiments') }}
),

parameters as (
    select distinct fit_id, parameter, estimate
    from {{ ref('stg_parameters') }}
),

bootstrap as (
    select * from {{ ref('stg_bootstrap') }}
),

ends as (
    select
        study,
        dataset,
        model,
        method,
        min(pretrain_steps) as first_steps,
        max(pretrain_steps) as last_steps
    from experiments
    where in_fit
    group by study, dataset, model, method
),

-- Replicate -1 is the estimate itself.
laws as (
    select
        fit_id,
        replicate,
        max(value) filter (where parameter = 'A') as a,
        max(value) filter (where parameter = 'G') as g,
        max(value) filter (where parameter = 'alpha') as alpha,
        max(value) filter (where parameter = 'beta') as beta
    from (
        select fit_id, replicate, parameter, value from bootstrap
        union all
        select fit_id, -1 as replicate, parameter, estimate as value from parameters
    ) as every_law
    group by fit_id, replicate
),

multipliers as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        fits.stale,
        ends.first_steps,
        ends.last_steps,
        laws.replicate,
        {{ data_multiplier('ends.first_steps', 'ends.last_steps', 'laws') }} as multiplier
    from fits
    inner join ends using (study, dataset, model, method)
    inner join laws using (fit_id)
),

final as (
    select
        study,
        dataset,
        model,
        method,
        first_steps,
        last_steps,
        max(multiplier) filter (where replicate = -1) as multiplier,
        quantile_cont(multiplier, 0.025) filter (where replicate >= 0) as lower,
        quantile_cont(multiplier, 0.975) filter (where replicate >= 0) as upper,
        stale
    from multipliers
    group by all
)

select * from final
