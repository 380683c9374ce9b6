with scores as (
    select * from {{ source('analysis', 'cv_scores') }}
),

final as (
    select
        study,
        dataset,
        model,
        method,
        law,
        delta,
        split,
        max_steps,
        max_data_points,
        penalty_exponents,
        penalty_coefficients,
        n_train,
        n_test,
        rmse,
        mae,
        n_beyond,
        bias_beyond,
        rmse_beyond,
        mae_beyond,
        input_fingerprint,
        made_at
    from scores
)

select * from final
