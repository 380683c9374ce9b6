with datasets as (
    select * from {{ source('raw', 'datasets') }}
),

latest as (
    select *
    from datasets
    -- A study that keeps its text to itself records an empty sample, and does not take away another's.
    qualify row_number() over (partition by dataset, fingerprint order by sample = '', recorded_at desc) = 1
),

final as (
    select
        dataset,
        fingerprint as dataset_fingerprint,
        source,
        licence,
        documents,
        duplicates_dropped,
        characters,
        tokenizer,
        context,
        tokens,
        train_points,
        validation_points,
        heldout_points,
        sample,
        recorded_at
    from latest
)

select * from final
