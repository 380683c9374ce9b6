{# One row per combination of these columns, none of them null. #}
{% test grain(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as rows_found
    from {{ model }}
    group by all
    having count(*) > 1
    {%- for column in columns %} or {{ column }} is null {%- endfor %}
{% endtest %}
