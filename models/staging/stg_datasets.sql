with datasets as (
    select * from {{ source('raw', 'datasets') }}
),

latest as (
    select *
    from datasets
    qualify row_number() over (partition by dataset, fingerprint order by recorded_at desc) = 1
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
