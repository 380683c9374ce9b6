with epochs as (
    select * from {{ source('raw', 'epochs') }}
),

final as (
    select
        run_id,
        epoch,
        train_loss,
        validation_loss,
        elapsed_s
    from epochs
)

select * from final
