with checkpoints as (
    select * from {{ source('raw', 'checkpoints') }}
),

latest as (
    select *
    from checkpoints
    qualify row_number() over (partition by model, revision, digest order by recorded_at desc) = 1
),

final as (
    select
        model,
        revision,
        digest as checkpoint_digest,
        pretrain_steps,
        source,
        pretrain_tokens,
        n_params,
        n_params_non_embedding,
        heldout_loss,
        recorded_at
    from latest
)

select * from final
