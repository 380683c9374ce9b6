with study_runs as (
    select * from {{ ref('stg_study_runs') }}
),

studies as (
    select * from {{ ref('stg_studies') }}
),

runs as (
    select * from {{ ref('stg_runs') }}
),

-- Sums and means of doubles are ordered: another order, another last bit, and a fit would look stale.
seeds_averaged as (
    select
        study_runs.study,
        runs.dataset,
        runs.model,
        runs.method,
        runs.pretrain_steps,
        max(runs.pretrain_tokens) as pretrain_tokens,
        max(runs.n_params) as n_params,
        max(runs.n_params_non_embedding) as n_params_non_embedding,
        runs.data_points,
        max(runs.context) as context,
        max(runs.tokens) as tokens,
        count(*) as runs,
        avg(runs.loss order by runs.seed) as loss,
        stddev_samp(runs.loss order by runs.seed) as loss_sd,
        avg(runs.loss_validation order by runs.seed) as loss_validation,
        avg(runs.loss_zero_shot order by runs.seed) as loss_zero_shot,
        avg(runs.epochs order by runs.seed) as epochs,
        sum(runs.flops order by runs.seed) as flops,
        sum(runs.wall_s order by runs.seed) as wall_s
    from study_runs
    inner join runs using (run_key)
    group by
        study_runs.study, runs.dataset, runs.model, runs.method, runs.pretrain_steps, runs.data_points
),

final as (
    select
        seeds_averaged.*,
        coalesce(
            seeds_averaged.pretrain_steps >= studies.fit_min_steps
            and seeds_averaged.pretrain_steps > 0
            and seeds_averaged.data_points > 0,
            false
        ) as in_fit
    from seeds_averaged
    inner join studies using (study)
)

select * from final
