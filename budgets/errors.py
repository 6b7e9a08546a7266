"""What goes wrong when budgets are made and changed."""

from core.errors import Conflict, Invalid, NotFound, Refused


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


class TooManyBudgets(Conflict):
    """Each call looks at all that are on it, and so do all calls that are committed with it."""

    code = "too_many_budgets"
    message = "At most {most} budgets are allowed; delete one first."
