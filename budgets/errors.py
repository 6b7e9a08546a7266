"""What goes wrong when budgets are made and changed."""

from core.errors import Invalid, NotFound, Refused


class BudgetNotFound(NotFound):
    code = "budget_not_found"
    message = "There is no such budget, or it is not yours."


class NothingToLimit(NotFound):
    code = "budget_scope_not_found"
    message = "There is no such {scope}, or it is not yours."


class NotYourBudget(Refused):
    code = "budget_of_another"
    message = "This budget is not yours to make or to change."


class BadBudget(Invalid):
    code = "invalid_budget"
    message = "{reason}"
