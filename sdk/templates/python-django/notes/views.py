"""The page: all notes, and a form for one more."""

from django.contrib import messages
from django.shortcuts import redirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from notes.forms import NoteForm
from notes.models import Note

NOTES_SHOWN_MAX = 50


@require_http_methods(["GET", "HEAD", "POST"])
def notes(request):
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        note = form.save()
        messages.success(request, f"Noted: {note}")
        # Sent on with a GET, so that reloading does not send the form again.
        return redirect("notes")
    return render(request, "notes/notes.html", {"form": form, "notes": Note.objects.all()[:NOTES_SHOWN_MAX]})
