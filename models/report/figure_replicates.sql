with fits as (
    select * from {{ ref('reported_fits') }}
),

bootstrap as (
    select * from {{ ref('stg_bootstrap') }}
),

parameters as (
    select distinct fit_id, parameter, estimate
    from {{ ref('stg_parameters') }}
),

-- Replicates are exchangeable, so that the first few hundred are a sample. Replicate -1 is the estimate itself.
drawn as (
    select fit_id, replicate, parameter, value from bootstrap where replicate < 400
    union all
    select fit_id, -1 as replicate, parameter, estimate as value from parameters
),

final as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        drawn.replicate,
        max(drawn.value) filter (where drawn.parameter = 'A') as a,
        max(drawn.value) filter (where drawn.parameter = 'G') as g,
        max(drawn.value) filter (where drawn.parameter = 'alpha') as alpha,
        max(drawn.value) filter (where drawn.parameter = 'beta') as beta,
        max(drawn.value) filter (where drawn.parameter = 'E') as e,
        fits.stale
    from fits
    inner join drawn using (fit_id)
    group by fits.study, fits.dataset, fits.model, fits.method, drawn.replicate, fits.stale
)

select * from final
