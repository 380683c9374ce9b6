with panels as (
    select distinct study, model
    from {{ ref('stg_study_panels') }}
),

studies as (
    select * from {{ ref('stg_studies') }}
),

checkpoints as (
    select *
    from {{ ref('stg_checkpoints') }}
    qualify row_number() over (partition by model, revision order by recorded_at desc, checkpoint_digest) = 1
),

of_study as (
    select
        panels.study,
        checkpoints.*
    from panels
    inner join studies using (study)
    inner join checkpoints using (model)
    where list_contains(
        from_json(studies.declaration -> '$.pretrain_steps', '["BIGINT"]'), checkpoints.pretrain_steps
    )
),

final as (
    select
        study,
        model,
        max(n_params) as n_params,
        max(n_params_non_embedding) as n_params_non_embedding,
        case
            when min(pretrain_tokens / nullif(pretrain_steps, 0)) = max(pretrain_tokens / nullif(pretrain_steps, 0))
                then max(pretrain_tokens // nullif(pretrain_steps, 0))
        end as tokens_per_step,
        to_json(list(pretrain_steps order by pretrain_steps)) as steps,
        arg_min(heldout_loss, pretrain_steps) as first_heldout_loss,
        arg_max(heldout_loss, pretrain_steps) as last_heldout_loss
    from of_study
    group by study, model
)

select * from final
