with effective_data as (
    select * from {{ ref('effective_data') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

parameters as (
    select distinct fit_id, parameter, estimate
    from {{ ref('stg_parameters') }}
),

bootstrap as (
    select * from {{ ref('stg_bootstrap') }}
),

curve_fits as (
    select *
    from fits
    where law = 'power-floor'
    qualify row_number() over (partition by study, dataset, model, method order by made_at desc, fit_id) = 1
),

-- Replicate -1 is the estimate itself.
laws as (
    select
        fit_id,
        replicate,
        max(value) filter (where parameter = 'G') as g,
        max(value) filter (where parameter = 'beta') as beta,
        max(value) filter (where parameter = 'E') as e
    from (
        select fit_id, replicate, parameter, value from bootstrap
        union all
        select fit_id, -1 as replicate, parameter, estimate as value from parameters
    ) as every_law
    semi join curve_fits using (fit_id)
    group by fit_id, replicate
),

-- Beyond the measured curve the law is never asked for less data than were measured.
solved as (
    select
        effective_data.study,
        effective_data.dataset,
        effective_data.model,
        effective_data.method,
        effective_data.pretrain_steps,
        effective_data.data_points,
        laws.replicate,
        case
            when effective_data.loss > laws.e and laws.beta > 0
                then greatest(
                    pow(laws.g / (effective_data.loss - laws.e), 1 / laws.beta), effective_data.at_least_points
                )
            else 'infinity'::double
        end as points
    from effective_data
    inner join curve_fits using (study, dataset, model, method)
    inner join laws using (fit_id)
    where effective_data.at_least_points is not null and curve_fits.status <> 'failed'
),

-- Discrete quantiles: between two replicates one of which never reaches the loss there is no number.
extrapolated as (
    select
        study,
        dataset,
        model,
        method,
        pretrain_steps,
        data_points,
        nullif(max(points) filter (where replicate = -1), 'infinity'::double) as points,
        quantile_disc(points, 0.025) filter (where replicate >= 0) as lower,
        quantile_disc(points, 0.975) filter (where replicate >= 0) as upper
    from solved
    group by all
),

readings as (
    select
        effective_data.* exclude (effective_points),
        coalesce(effective_data.effective_points, extrapolated.points) as effective_points,
        case
            when effective_data.effective_points is not null then 'interpolated'
            when extrapolated.points is not null then 'extrapolated'
            else 'censored'
        end as reading,
        extrapolated.lower,
        extrapolated.upper
    from effective_data
    left join extrapolated using (study, dataset, model, method, pretrain_steps, data_points)
),

final as (
    select
        readings.study,
        readings.dataset,
        readings.model,
        readings.method,
        readings.pretrain_steps,
        readings.data_points,
        readings.n_params_non_embedding,
        readings.in_fit,
        readings.loss,
        readings.loss_from_scratch,
        readings.reading,
        readings.effective_points,
        readings.lower,
        readings.upper,
        readings.at_least_points,
        readings.at_most_points,
        readings.effective_points - readings.data_points as transferred_points,
        readings.data_points * readings.context as tokens,
        readings.effective_points * readings.context as effective_tokens,
        (readings.effective_points - readings.data_points) * readings.context as transferred_tokens,
        readings.effective_points / readings.data_points as multiplier,
        1 - readings.data_points / readings.effective_points as fraction,
        case
            when readings.effective_points is not null then readings.effective_points < readings.data_points
            when readings.at_most_points <= readings.data_points then true
            when readings.at_least_points >= readings.data_points then false
        end as ossified,
        readings.reading = 'extrapolated' and curve_fits.input_fingerprint <> readings.curve_fingerprint as stale
    from readings
    left join curve_fits using (study, dataset, model, method)
)

select * from final
