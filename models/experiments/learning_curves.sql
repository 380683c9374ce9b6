with study_runs as (
    select * from {{ ref('stg_study_runs') }}
),

runs as (
    select * from {{ ref('stg_runs') }}
),

epochs as (
    select * from {{ ref('stg_epochs') }}
),

final as (
    select
        runs.run_id,
        study_runs.study,
        runs.dataset,
        runs.model,
        runs.method,
        runs.pretrain_steps,
        runs.data_points,
        runs.seed,
        epochs.epoch,
        epochs.train_loss,
        epochs.validation_loss,
        epochs.epoch = runs.best_epoch as is_best
    from study_runs
    inner join runs using (run_key)
    inner join epochs using (run_id)
)

select * from final
