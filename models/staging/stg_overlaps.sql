with measured as (
    select * from {{ source('raw', 'overlaps') }}
),

latest as (
    select *
    from measured
    qualify row_number() over (
        partition by dataset, dataset_fingerprint, text_fingerprint, run_tokens order by recorded_at desc
    ) = 1
),

final as (
    select
        dataset,
        dataset_fingerprint,
        text,
        text_fingerprint,
        run_tokens,
        train_runs,
        train_runs_seen,
        train_runs_seen / nullif(train_runs, 0) as train_share_seen,
        heldout_runs,
        heldout_runs_seen,
        heldout_runs_seen / nullif(heldout_runs, 0) as heldout_share_seen,
        recorded_at
    from latest
)

select * from final
