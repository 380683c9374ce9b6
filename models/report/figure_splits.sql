with splits as (
    select * from {{ ref('splits') }}
),

experiments as (
    select * from {{ ref('experiments') }}
    where in_fit
),

scores as (
    select * from {{ ref('stg_cv_scores') }}
    where law = 'transfer' and penalty_exponents = 0 and penalty_coefficients = 0
    qualify row_number() over (partition by study, dataset, model, method, split order by made_at desc) = 1
),

inputs as (
    select * from {{ ref('fit_inputs') }}
),

ranked as (
    select
        *,
        count(*) over (partition by study, dataset, model, method) as splits,
        dense_rank() over (partition by study, dataset, model, method order by max_steps) as step_rank,
        dense_rank() over (partition by study, dataset, model, method order by max_data_points) as size_rank
    from splits
),

-- Of a hundred splits and more, twelve: thresholds at four fifths, three quarters and so on down of the values.
shown as (
    select ranked.*
    from ranked
    inner join inputs using (study, dataset, model, method)
    where
        list_contains([ceil(inputs.n_steps * k / 5) for k in range(1, 5)], step_rank)
        and list_contains([ceil(inputs.n_data_points * k / 4) for k in range(1, 4)], size_rank)
),

final as (
    select
        shown.study,
        shown.dataset,
        shown.model,
        shown.method,
        shown.split,
        shown.max_steps,
        shown.max_data_points,
        shown.n_train,
        shown.n_test,
        shown.splits,
        experiments.pretrain_steps,
        experiments.data_points,
        experiments.pretrain_steps <= shown.max_steps
        and experiments.data_points <= shown.max_data_points as trained_on,
        case when scores.input_fingerprint = inputs.fingerprint then scores.mae end as mae
    from shown
    inner join inputs using (study, dataset, model, method)
    inner join experiments using (study, dataset, model, method)
    left join scores using (study, dataset, model, method, split)
)

select * from final
