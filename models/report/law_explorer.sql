{% set digits = 6 %}
{% set at_most = 400 %}

with fits as (
    select * from {{ ref('reported_fits') }}
),

positions as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
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

-- A page carries them as text: every n-th replicate, and as many digits as a screen can show.
thinned as (
    select bootstrap.*
    from bootstrap
    inner join fits using (fit_id)
    where bootstrap.replicate % ceil(fits.replicates / {{ at_most }}) = 0
),

-- Replicate -1 is the estimate itself.
laws as (
    select
        fit_id,
        replicate,
        {
            {%- for symbol in ('A', 'G', 'alpha', 'beta', 'E') %}
            '{{ symbol }}': printf(
                '%.{{ digits }}g', max(value) filter (where parameter = '{{ symbol }}')
            )::double{{ ',' if not loop.last }}
            {%- endfor %}
        } as law
    from (
        select fit_id, replicate, parameter, value from thinned
        union all
        select fit_id, -1 as replicate, parameter, estimate as value from parameters
    ) as every_law
    group by fit_id, replicate
),

collected as (
    select
        fit_id,
        to_json(any_value(law) filter (where replicate = -1)) as estimate,
        to_json(coalesce(list(law order by replicate) filter (where replicate >= 0), [])) as replicates
    from laws
    group by fit_id
),

measured as (
    select
        study,
        dataset,
        model,
        method,
        min(pretrain_steps) filter (where in_fit) as first_steps,
        max(pretrain_steps) filter (where in_fit) as last_steps,
        min(data_points) filter (where in_fit) as fewest_points,
        max(data_points) filter (where in_fit) as most_points,
        to_json(list(
            {
                'p': pretrain_steps,
                'f': data_points,
                'loss': printf('%.{{ digits }}g', loss)::double,
                'fitted': in_fit
            }
            order by pretrain_steps, data_points
        )) as measured
    from experiments
    -- A logarithmic axis has no place for 0 steps.
    where pretrain_steps > 0
    group by study, dataset, model, method
    having bool_or(in_fit)
),

final as (
    select
        fits.study,
        positions.position,
        fits.dataset,
        fits.model,
        fits.method,
        measured.first_steps,
        measured.last_steps,
        measured.fewest_points,
        measured.most_points,
        collected.estimate,
        collected.replicates,
        measured.measured,
        fits.stale
    from fits
    inner join measured using (study, dataset, model, method)
    inner join collected using (fit_id)
    left join positions using (study, dataset)
)

select * from final
