with experiments as (
    select * from {{ ref('experiments') }}
),

final as (
    select
        study,
        dataset,
        model,
        method,
        pretrain_steps,
        data_points,
        runs,
        loss,
        loss_sd,
        loss_validation,
        loss_zero_shot,
        epochs,
        in_fit
    from experiments
)

select * from final
