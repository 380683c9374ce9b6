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

means as (
    select fit_id, parameter, avg(value order by replicate) as mean
    from bootstrap
    group by fit_id, parameter
),

-- The variance of a standard deviation of n values with kurtosis k is (k - 1) / (4 n) times its square. DuckDB's
-- kurtosis is of sums of powers, which for values far from zero leave rounding only.
spread as (
    select
        fit_id,
        parameter,
        -- There is no kurtosis where all values are one, whose deviation is 0 without error.
        coalesce(sqrt(greatest(kurtosis_pop(value - mean order by replicate) + 2, 0) / (4 * count(*))), 0)
            as relative_error
    from bootstrap
    inner join means using (fit_id, parameter)
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
