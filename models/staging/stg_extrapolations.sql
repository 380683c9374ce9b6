with extrapolations as (
    select * from {{ source('analysis', 'extrapolations') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        extrapolations.fit_id,
        extrapolations.max_steps,
        extrapolations.max_data_points,
        extrapolations.n_train,
        extrapolations.pretrain_steps,
        extrapolations.data_points,
        extrapolations.loss,
        extrapolations.predicted,
        extrapolations.lower,
        extrapolations.upper
    from extrapolations
    semi join fits using (fit_id)
)

select * from final
