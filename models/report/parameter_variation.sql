with fits as (
    select * from {{ ref('reported_fits') }}
),

parameters as (
    select distinct fit_id, parameter, estimate
    from {{ ref('stg_parameters') }}
    where status <> 'not identified'
),

bootstrap as (
    select * from {{ ref('stg_bootstrap') }}
    semi join parameters using (fit_id, parameter)
),

claims as (
    select * from {{ ref('barnett2024_claims') }}
),

published as (
    select * from {{ ref('barnett2024_table2_variation') }}
),

-- Replicate -1 is the estimate itself. Replicates of the same number draw the same checkpoints of every dataset.
laws as (
    select fit_id, parameter, -1 as replicate, estimate as value from parameters
    union all
    select fit_id, parameter, replicate, value from bootstrap
),

variations as (
    select
        fits.study,
        fits.model,
        fits.method,
        laws.parameter,
        laws.replicate,
        count(*) as n_datasets,
        stddev_samp(laws.value order by fits.dataset)
        / nullif(avg(laws.value order by fits.dataset), 0) as variation
    from laws
    inner join fits using (fit_id)
    group by all
    having count(*) >= 3
),

quantities as (
    select study, model, method, parameter as quantity, replicate, n_datasets, variation as value
    from variations
    union all
    select
        alphas.study, alphas.model, alphas.method, 'alpha/beta', alphas.replicate, alphas.n_datasets,
        alphas.variation / nullif(betas.variation, 0)
    from variations as alphas
    inner join variations as betas using (study, model, method, replicate, n_datasets)
    where alphas.parameter = 'alpha' and betas.parameter = 'beta'
),

summarised as (
    select
        study,
        model,
        method,
        quantity,
        max(n_datasets) as n_datasets,
        max(value) filter (where replicate = -1) as estimate,
        stddev_samp(value order by replicate) filter (where replicate >= 0) as standard_error,
        quantile_cont(value, 0.025) filter (where replicate >= 0) as lower,
        quantile_cont(value, 0.975) filter (where replicate >= 0) as upper,
        avg((value < claims.most)::int) filter (where replicate >= 0) as below_claimed,
        any_value(claims.most) as claimed_most
    from quantities
    left join claims on quantity = 'alpha/beta' and claims.claim = 'variation of alpha over that of beta'
    group by all
),

final as (
    select
        summarised.*,
        coalesce(
            published.coefficient_of_variation,
            alphas.coefficient_of_variation / betas.coefficient_of_variation
        ) as published
    from summarised
    left join published on summarised.quantity = published.parameter
    left join published as alphas on summarised.quantity = 'alpha/beta' and alphas.parameter = 'alpha'
    left join published as betas on summarised.quantity = 'alpha/beta' and betas.parameter = 'beta'
)

select * from final
