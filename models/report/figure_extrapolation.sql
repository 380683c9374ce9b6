with fits as (
    select * from {{ ref('reported_fits') }}
),

extrapolations as (
    select * from {{ ref('stg_extrapolations') }}
),

final as (
    select
        fits.study,
        fits.dataset,
        fits.model,
        fits.method,
        extrapolations.max_steps,
        extrapolations.max_data_points,
        extrapolations.n_train,
        extrapolations.pretrain_steps,
        extrapolations.data_points,
        extrapolations.loss,
        extrapolations.predicted,
        extrapolations.lower,
        extrapolations.upper,
        extrapolations.loss between extrapolations.lower and extrapolations.upper as within_band,
        count(*) over of_fit as n,
        (
            count_if(extrapolations.loss between extrapolations.lower and extrapolations.upper) over of_fit
        )::bigint as n_within_band,
        avg(extrapolations.predicted / extrapolations.loss - 1) over of_fit as mean_relative_bias,
        avg(abs(extrapolations.predicted / extrapolations.loss - 1)) over of_fit as mean_relative_error,
        fits.mean_relative_error as mean_relative_error_of_fit,
        fits.stale
    from fits
    inner join extrapolations using (fit_id)
    window of_fit as (
        partition by fits.fit_id order by extrapolations.pretrain_steps, extrapolations.data_points
        rows between unbounded preceding and unbounded following
    )
)

select * from final
