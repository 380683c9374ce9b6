with studies as (
    select * from {{ ref('stg_studies') }}
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

experiments as (
    select * from {{ ref('experiments') }}
),

fits as (
    select * from {{ ref('reported_fits') }}
),

panels as (
    select
        study,
        count(distinct dataset) as n_datasets,
        count(distinct model) as n_models
    from {{ ref('stg_study_panels') }}
    group by study
),

succeeded as (
    select
        study_runs.study,
        count(*) as ok,
        sum(runs.flops order by runs.run_key) as flops,
        sum(runs.wall_s order by runs.run_key) as wall_s,
        min(runs.started_at) as first_started_at,
        max(runs.finished_at) as last_finished_at
    from study_runs
    inner join runs using (run_key)
    group by study_runs.study
),

lacking as (
    select
        study,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'missing') as missing
    from unfinished
    group by study
),

measured as (
    select
        study,
        count(*) as experiments,
        count(*) filter (where in_fit) as experiments_in_fit,
        count(distinct pretrain_steps) as n_steps,
        count(distinct pretrain_steps) filter (where in_fit) as n_steps_in_fit,
        count(distinct data_points) as n_sizes,
        min(loss) as least_loss,
        max(loss) as greatest_loss
    from experiments
    group by study
),

neighbours as (
    select
        study,
        loss - lag(loss) over (
            partition by study, dataset, model, method, data_points order by pretrain_steps
        ) as change_with_steps,
        loss - lag(loss) over (
            partition by study, dataset, model, method, pretrain_steps order by data_points
        ) as change_with_points
    from experiments
),

monotone as (
    select
        study,
        count(change_with_steps) as steps_pairs,
        count(*) filter (where change_with_steps < 0) as steps_falls,
        count(change_with_points) as points_pairs,
        count(*) filter (where change_with_points < 0) as points_falls
    from neighbours
    group by study
),

fitted as (
    select
        study,
        count(*) as n_fits,
        count(*) filter (where stale) as n_stale
    from fits
    group by study
),

final as (
    select
        studies.study,
        studies.simulated,
        studies.context,
        studies.fit_min_steps,
        studies.declaration,
        studies.declared_at,
        panels.n_datasets,
        panels.n_models,
        coalesce(succeeded.ok, 0) + coalesce(lacking.failed, 0) + coalesce(lacking.missing, 0) as wanted,
        coalesce(succeeded.ok, 0) as ok,
        coalesce(lacking.failed, 0) as failed,
        coalesce(lacking.missing, 0) as missing,
        coalesce(measured.experiments, 0) as experiments,
        coalesce(measured.experiments_in_fit, 0) as experiments_in_fit,
        coalesce(measured.n_steps, 0) as n_steps,
        coalesce(measured.n_steps_in_fit, 0) as n_steps_in_fit,
        coalesce(measured.n_sizes, 0) as n_sizes,
        measured.least_loss,
        measured.greatest_loss,
        coalesce(succeeded.flops, 0) as flops,
        coalesce(succeeded.wall_s, 0) as wall_s,
        succeeded.first_started_at,
        succeeded.last_finished_at,
        coalesce(monotone.steps_pairs, 0) as steps_pairs,
        coalesce(monotone.steps_falls, 0) as steps_falls,
        coalesce(monotone.points_pairs, 0) as points_pairs,
        coalesce(monotone.points_falls, 0) as points_falls,
        coalesce(fitted.n_fits, 0) as n_fits,
        coalesce(fitted.n_stale, 0) as n_stale
    from studies
    left join panels using (study)
    left join succeeded using (study)
    left join lacking using (study)
    left join measured using (study)
    left join monotone using (study)
    left join fitted using (study)
)

select * from final
