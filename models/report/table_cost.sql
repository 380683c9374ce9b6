with study_runs as (
    select * from {{ ref('stg_study_runs') }}
),

runs as (
    select * from {{ ref('stg_runs') }}
),

published as (
    select * from {{ ref('barnett2024_cost') }}
),

studies as (
    select distinct study from {{ ref('stg_studies') }}
),

positions as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
),

of_study as (
    select
        study_runs.study,
        runs.*,
        6.0 * runs.n_params * runs.pretrain_tokens / nullif(runs.pretrain_steps, 0) as flops_per_step
    from study_runs
    inner join runs using (run_key)
),

-- Least squares over runs: what one more data point adds to a run, what every run needs anyway left out.
panels as (
    select
        of_study.study,
        1 as part,
        positions.position,
        of_study.dataset,
        of_study.model,
        of_study.method,
        count(*) as runs,
        sum(of_study.flops order by of_study.run_key) as flops,
        sum(of_study.wall_s order by of_study.run_key) as wall_s,
        case
            when count(distinct of_study.data_points) > 1
                then regr_slope(of_study.flops, of_study.data_points order by of_study.run_key)
        end as flops_per_point,
        case
            when count(distinct of_study.data_points) > 1
                then regr_slope(of_study.wall_s, of_study.data_points order by of_study.run_key)
        end as wall_s_per_point,
        max(of_study.flops_per_step) as flops_per_step
    from of_study
    left join positions using (study, dataset)
    group by of_study.study, positions.position, of_study.dataset, of_study.model, of_study.method
),

every_part as (
    select * from panels
    union all
    select
        study, 2, null, null, null, null, count(*),
        sum(flops order by run_key), sum(wall_s order by run_key), null, null, null
    from of_study
    group by study
    union all
    select studies.study, 3, null, null, null, null, published.runs, published.flops, null, null, null, null
    from studies
    cross join published
    where studies.study in (select study from of_study)
),

final as (
    select
        study,
        case part when 1 then 'dataset' when 2 then 'study' when 3 then 'published' end as part,
        position,
        dataset,
        model,
        method,
        runs::bigint as runs,
        flops,
        wall_s,
        flops_per_point,
        wall_s_per_point,
        flops_per_step,
        flops_per_point / flops_per_step as steps_per_point
    from every_part
)

select * from final
