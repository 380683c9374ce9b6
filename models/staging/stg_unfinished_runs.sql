with wanted as (
    select * from {{ ref('stg_study_runs') }}
),

attempts as (
    select * from {{ source('raw', 'runs') }}
),

unfinished as (
    select
        run_key,
        count(*) as attempts,
        arg_max(attempts, finished_at) as latest
    from attempts
    group by run_key
    having not bool_or(status = 'ok')
),

done as (
    select distinct run_key
    from attempts
    where status = 'ok'
),

final as (
    select
        wanted.study,
        wanted.run_key,
        case when unfinished.run_key is null then 'missing' else 'failed' end as status,
        coalesce(unfinished.attempts, 0) as attempts,
        unfinished.latest.dataset as dataset,
        unfinished.latest.model as model,
        unfinished.latest.method as method,
        unfinished.latest.pretrain_steps as pretrain_steps,
        unfinished.latest.data_points as data_points,
        unfinished.latest.seed as seed,
        unfinished.latest.error as error,
        unfinished.latest.finished_at as finished_at
    from wanted
    anti join done using (run_key)
    left join unfinished using (run_key)
)

select * from final
