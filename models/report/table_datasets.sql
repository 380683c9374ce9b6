with panels as (
    select distinct study, dataset, position
    from {{ ref('stg_study_panels') }}
),

studies as (
    select * from {{ ref('stg_studies') }}
),

datasets as (
    select * from {{ ref('stg_datasets') }}
),

study_runs as (
    select * from {{ ref('stg_study_runs') }}
),

runs as (
    select * from {{ ref('stg_runs') }}
),

used as (
    select distinct study_runs.study, runs.dataset, runs.dataset_fingerprint, true as is_used
    from study_runs
    inner join runs using (run_key)
),

-- What the study's runs used; before the first run, what was recorded last.
of_study as (
    select
        panels.study,
        panels.position,
        datasets.* replace (
            case when (studies.declaration ->> '$.samples') is distinct from 'false' then datasets.sample else '' end
            as sample
        ),
        coalesce(used.is_used, false) as is_used
    from panels
    inner join studies using (study)
    inner join datasets using (dataset, context)
    left join used using (study, dataset, dataset_fingerprint)
    qualify
        coalesce(used.is_used, false)
        or (
            not bool_or(coalesce(used.is_used, false)) over (partition by panels.study, panels.dataset)
            and row_number() over (
                partition by panels.study, panels.dataset order by datasets.recorded_at desc, datasets.dataset_fingerprint
            ) = 1
        )
),

-- A study on suites of several texts has several; the largest is shown.
seen as (
    select dataset, dataset_fingerprint, max(heldout_share_seen) as heldout_share_seen
    from {{ ref('stg_overlaps') }}
    group by all
),

final as (
    select
        study,
        position,
        dataset,
        dataset_fingerprint,
        source,
        licence,
        documents,
        duplicates_dropped,
        characters,
        tokens,
        context,
        train_points,
        validation_points,
        heldout_points,
        sample,
        heldout_share_seen
    from of_study
    left join seen using (dataset, dataset_fingerprint)
)

select * from final
