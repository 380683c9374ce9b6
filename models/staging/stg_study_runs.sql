with study_runs as (
    select * from {{ source('raw', 'study_runs') }}
),

studies as (
    select * from {{ ref('stg_studies') }}
),

-- A declaration that was given up and taken up again is recorded twice.
final as (
    select distinct
        study_runs.study,
        study_runs.run_key
    from study_runs
    inner join studies using (study, declaration_digest)
)

select * from final
