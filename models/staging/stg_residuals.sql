with residuals as (
    select * from {{ source('analysis', 'residuals') }}
),

fits as (
    select * from {{ ref('stg_fits') }}
),

final as (
    select
        residuals.fit_id,
        residuals.pretrain_steps,
        residuals.data_points,
        residuals.loss,
        residuals.fitted,
        residuals.residual,
        residuals.normal_quantile,
        residuals.deleted_residual,
        residuals.influence
    from residuals
    semi join fits using (fit_id)
)

select * from final
