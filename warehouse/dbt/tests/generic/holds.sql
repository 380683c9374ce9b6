{# An invariant of the rows: true for each of them. Null counts as broken. #}
{% test holds(model, condition) %}
    select *
    from {{ model }}
    where ({{ condition }}) is not true
{% endtest %}
