with fits as (
    select * from {{ ref('reported_fits') }}
),

parameters as (
    select distinct fit_id, parameter, standard_error, status
    from {{ ref('stg_parameters') }}
    where parameter in ('alpha', 'beta')
),

bootstrap as (
    select * from {{ ref('stg_bootstrap') }}
    where parameter in ('alpha', 'beta')
),

claims as (
    select * from {{ ref('barnett2024_claims') }}
    where claim = 'standard error of an exponent'
),

-- The variance of a standard deviation of n values with kurtosis k is (k - 1) / (4 n) times its square.
spread as (
    select
        fit_id,
        parameter,
        sqrt((kurtosis_pop(value order by replicate) + 2) / (4 * count(*))) as relative_error
    from bootstrap
    group by fit_id, parameter
),

final as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        parameters.parameter,
        fits.n,
        fits.resample,
        parameters.standard_error,
        parameters.standard_error * spread.relative_error as monte_carlo_error,
        parameters.status,
        claims.least as claimed_least,
        claims.most as claimed_most,
        claims.runs as claimed_of
    from fits
    inner join parameters using (fit_id)
    left join spread using (fit_id, parameter)
    cross join claims
)

select * from final
