with runs as (
    select * from {{ source('raw', 'runs') }}
),

latest as (
    select *
    from runs
    where status = 'ok'
    qualify row_number() over (partition by run_key order by finished_at desc, run_id) = 1
),

final as (
    select
        run_id,
        run_key,
        dataset,
        dataset_fingerprint,
        model,
        revision,
        checkpoint_digest,
        pretrain_steps,
        pretrain_tokens,
        n_params,
        n_params_non_embedding,
        data_points,
        context,
        tokens,
        seed,
        method,
        loss,
        loss_validation,
        loss_zero_shot,
        epochs,
        best_epoch,
        optimizer_steps,
        tokens_seen,
        trainable_params,
        flops,
        wall_s,
        tokens_per_s,
        flops_utilisation,
        peak_memory_bytes,
        device,
        host,
        started_at,
        finished_at,
        config,
        provenance
    from latest
)

select * from final
