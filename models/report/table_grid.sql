with panels as (
    select * from {{ ref('stg_study_panels') }}
),

study_runs as (
    select * from {{ ref('stg_study_runs') }}
),

runs as (
    select * from {{ ref('stg_runs') }}
),

unfinished as (
    select * from {{ ref('stg_unfinished_runs') }}
),

succeeded as (
    select
        study_runs.study,
        runs.dataset,
        runs.model,
        runs.method,
        count(*) as ok,
        avg(runs.epochs) as epochs,
        sum(runs.flops order by runs.run_key) as flops,
        sum(runs.wall_s order by runs.run_key) as wall_s
    from study_runs
    inner join runs using (run_key)
    group by study_runs.study, runs.dataset, runs.model, runs.method
),

failed as (
    select study, dataset, model, method, count(*) as failed
    from unfinished
    where status = 'failed'
    group by study, dataset, model, method
),

final as (
    select
        panels.study,
        panels.position,
        panels.dataset,
        panels.model,
        panels.method,
        panels.n_steps,
        panels.n_sizes,
        panels.seeds,
        panels.n_steps * panels.n_sizes * panels.seeds as wanted,
        coalesce(succeeded.ok, 0) as ok,
        coalesce(failed.failed, 0) as failed,
        panels.n_steps * panels.n_sizes * panels.seeds
        - coalesce(succeeded.ok, 0)
        - coalesce(failed.failed, 0) as missing,
        succeeded.epochs,
        succeeded.flops,
        succeeded.wall_s
    from panels
    left join succeeded using (study, dataset, model, method)
    left join failed using (study, dataset, model, method)
)

select * from final
