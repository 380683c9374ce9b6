with study_runs as (
    select * from {{ ref('stg_study_runs') }}
),

runs as (
    select * from {{ ref('stg_runs') }}
),

fits as (
    select * from {{ ref('reported_fits') }}
),

of_study as (
    select study_runs.study, runs.*
    from study_runs
    inner join runs using (run_key)
),

provenances as (
    select distinct study, 'runs' as made, provenance::varchar::json as provenance from of_study
    union all
    select distinct study, 'fits' as made, provenance::varchar::json as provenance from fits
),

packages as (
    select distinct
        provenances.study,
        package.key || ' ' || (package.value ->> '$') as package
    from provenances
    cross join json_each(provenances.provenance, '$.packages') as package
),

described as (
    select
        study,
        made,
        coalesce(
            left(provenance ->> '$.commit', 12)
            || case when (provenance ->> '$.dirty')::boolean then ' with uncommitted changes' else '' end,
            'none (not from a checkout)'
        ) as commit,
        provenance ->> '$.python' as python,
        (provenance ->> '$.processor') || ' (' || (provenance ->> '$.cores') || ' cores)' as processor,
        provenance ->> '$.platform' as platform
    from provenances
),

lines as (
    select study, case made when 'runs' then 1 else 2 end as position, 'commit of the ' || made as what,
        string_agg(distinct commit, ', ' order by commit) as value
    from described group by study, made
    union all
    select study, 3, 'Python', string_agg(distinct python, ', ' order by python)
    from described group by study
    union all
    select study, 4, 'packages', string_agg(package, ', ' order by package)
    from packages group by study
    union all
    select study, 5, 'processor', string_agg(distinct processor, ', ' order by processor)
    from described group by study
    union all
    select study, 6, 'platform', string_agg(distinct platform, ', ' order by platform)
    from described group by study
    union all
    select study, 7, 'device of the runs', string_agg(distinct device, ', ' order by device)
    from of_study group by study
    union all
    select study, 8, 'hosts of the runs', count(distinct host)::varchar
    from of_study group by study
    union all
    select study, 9, 'first run began', strftime(min(started_at) at time zone 'UTC', '%Y-%m-%d %H:%M UTC')
    from of_study group by study
    union all
    select study, 10, 'last run ended', strftime(max(finished_at) at time zone 'UTC', '%Y-%m-%d %H:%M UTC')
    from of_study group by study
    union all
    select study, 11, 'compute of the runs', printf('%.3g FLOP', sum(flops order by run_key))
    from of_study group by study
    union all
    select study, 12, 'wall time of the runs', printf('%.0f s', sum(wall_s order by run_key))
    from of_study group by study
),

final as (
    select
        study,
        position,
        what,
        value
    from lines
    where value is not null
)

select * from final
