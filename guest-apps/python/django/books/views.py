"""Pages of the shelf."""

from django.contrib import messages
from django.http import StreamingHttpResponse
from django.shortcuts import redirect
from django.shortcuts import render

from books.forms import BookForm
from books.models import Book


def shelf(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return render(request, "books/shelf.html", {"books": Book.objects.all(), "visits": request.session["visits"]})


def add(request):
    form = BookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        book = form.save()
        messages.success(request, f"“{book.title}” is on the shelf now.")
        return redirect("shelf")
    return render(request, "books/add.html", {"form": form})


def stream(_request):
    return StreamingHttpResponse((f"line {number}\n" for number in range(1, 6)), content_type="text/plain")
