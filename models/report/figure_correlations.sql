with fits as (
    select * from {{ ref('reported_fits') }}
),

bootstrap as (
    select * from {{ ref('stg_bootstrap') }}
    semi join fits using (fit_id)
),

-- Values that several replicates share, as at the edge of a domain, have the mean of their ranks.
ranked as (
    select
        fit_id,
        replicate,
        parameter,
        rank() over (partition by fit_id, parameter order by value)
        + 0.5 * (count(*) over (partition by fit_id, parameter, value) - 1) as rank
    from bootstrap
),

correlated as (
    select
        ones.fit_id,
        ones.parameter as one,
        others.parameter as other,
        -- Nothing is correlated with a parameter that is the same in every replicate.
        case
            when stddev_pop(ones.rank) > 0 and stddev_pop(others.rank) > 0
                then corr(ones.rank, others.rank order by ones.replicate)
        end as correlation
    from ranked as ones
    inner join ranked as others
        on ones.fit_id = others.fit_id
        and ones.replicate = others.replicate
        and ones.parameter <> others.parameter
    group by ones.fit_id, ones.parameter, others.parameter
),

final as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        correlated.one,
        correlated.other,
        correlated.correlation,
        fits.stale
    from fits
    inner join correlated using (fit_id)
)

select * from final
